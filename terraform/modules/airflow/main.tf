resource "google_service_account" "airflow" {
  account_id   = "ventas-airflow"
  display_name = "Airflow of the sales lab"

  depends_on = [var.services]
}

# Only the permissions to create, start and stop the VM; it cannot delete anything. The binding below
# limits the role to one VM by its name.
resource "google_project_iam_custom_role" "vm_operator" {
  role_id     = "ventasVmOperator"
  title       = "Ventas: VM operator"
  description = "Creates, starts, stops and reads the Druid VM"

  permissions = [
    "compute.disks.create",
    "compute.disks.get",
    "compute.disks.setLabels",
    "compute.disks.use",
    "compute.instances.create",
    "compute.instances.get",
    "compute.instances.getSerialPortOutput",
    "compute.instances.setLabels",
    "compute.instances.setMetadata",
    "compute.instances.setServiceAccount",
    "compute.instances.setTags",
    "compute.instances.start",
    "compute.instances.stop",
    "compute.zoneOperations.get",
    "compute.zoneOperations.list",
  ]

  depends_on = [var.services]
}

resource "google_project_iam_member" "airflow_vm" {
  project = var.project
  role    = google_project_iam_custom_role.vm_operator.name
  member  = google_service_account.airflow.member

  # In any zone, because the connection may name several. The last line is for operations, whose
  # state Airflow reads.
  condition {
    title       = "druid-vm"
    description = "The VM ${var.druid_instance} and its two disks"
    expression = join(" || ", [
      "(resource.type == 'compute.googleapis.com/Instance' && resource.name.endsWith('/instances/${var.druid_instance}'))",
      "(resource.type == 'compute.googleapis.com/Disk' && resource.name.endsWith('/disks/${var.druid_instance}'))",
      "(resource.type == 'compute.googleapis.com/Disk' && resource.name.endsWith('/disks/${var.druid_instance}-data'))",
      "(resource.type != 'compute.googleapis.com/Instance' && resource.type != 'compute.googleapis.com/Disk')",
    ])
  }
}

resource "google_compute_subnetwork_iam_member" "airflow" {
  region     = var.region
  subnetwork = var.subnetwork
  role       = "roles/compute.networkUser"
  member     = google_service_account.airflow.member
}

# To give a service account to a VM, Airflow must be a user of that account.
resource "google_service_account_iam_member" "airflow_runs_druid" {
  service_account_id = var.druid_account
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.airflow.member
}

resource "google_service_account_iam_member" "impersonators" {
  for_each = toset(var.impersonators)

  service_account_id = google_service_account.airflow.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.key
}
