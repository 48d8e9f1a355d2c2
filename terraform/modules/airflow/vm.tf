# A VM in the VPC on which you install Airflow yourself (docs/deploy.md). People reach it through
# Identity-Aware Proxy alone.

locals {
  member_of_vm = var.vm ? toset(var.vm_members) : toset([])
}

resource "google_compute_instance" "airflow" {
  count = var.vm ? 1 : 0

  name         = "airflow-ventas"
  description  = "Airflow of the sales lab"
  zone         = var.zone
  machine_type = var.machine_type
  labels       = var.labels
  tags         = [var.tag]

  # Compute Engine changes the machine type only of a stopped VM.
  allow_stopping_for_update = true

  boot_disk {
    initialize_params {
      image  = "projects/debian-cloud/global/images/family/debian-12"
      type   = "pd-balanced"
      size   = 50
      labels = var.labels
    }
  }

  # No access_config: no external IP.
  network_interface {
    subnetwork = var.subnetwork
  }

  # What Airflow may do is decided by the account's roles, not by the scope.
  service_account {
    email  = google_service_account.airflow.email
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  metadata = {
    enable-oslogin         = "TRUE"
    block-project-ssh-keys = "TRUE"
  }

  # A newer image of the family is no reason to make the VM again, with all that is installed on it.
  lifecycle {
    ignore_changes = [boot_disk[0].initialize_params[0].image]
  }
}

resource "google_iap_tunnel_instance_iam_member" "airflow" {
  for_each = local.member_of_vm

  project  = var.project
  zone     = google_compute_instance.airflow[0].zone
  instance = google_compute_instance.airflow[0].name
  role     = "roles/iap.tunnelResourceAccessor"
  member   = each.key

  condition {
    title      = "airflow-ssh-and-web"
    expression = "destination.port == 22 || destination.port == 8080"
  }

  depends_on = [var.services]
}

# OS Login lets a member in with sudo, and only if the member may also use the VM's account.
resource "google_compute_instance_iam_member" "airflow" {
  for_each = local.member_of_vm

  zone          = google_compute_instance.airflow[0].zone
  instance_name = google_compute_instance.airflow[0].name
  role          = "roles/compute.osAdminLogin"
  member        = each.key
}

resource "google_service_account_iam_member" "airflow_vm" {
  for_each = local.member_of_vm

  service_account_id = google_service_account.airflow.name
  role               = "roles/iam.serviceAccountUser"
  member             = each.key
}
