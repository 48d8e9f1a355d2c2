locals {
  # Settings that differ between users (VmSettings in include/gcp/definition.py). They are keys in the
  # extra of Airflow's connection google_cloud_default, and all values are texts.
  vm_settings = {
    zone                  = var.zone
    instance              = var.instance
    machine_type          = var.machine_type
    rate                  = tostring(var.rate)
    disk_type             = var.disk_type
    data_disk_gb          = tostring(var.data_disk_gb)
    max_run_seconds       = tostring(var.max_run_seconds)
    service_account       = google_service_account.druid.email
    subnetwork            = google_compute_subnetwork.ventas.id
    bucket                = google_storage_bucket.druid.name
    druid_url             = var.druid_url
    druid_checksum        = var.druid_checksum
    secret_kafka_jaas     = "ventas-kafka-jaas"
    secret_druid_admin    = "ventas-druid-admin"
    secret_druid_internal = "ventas-druid-internal"
    secret_metadata       = "ventas-druid-metadata"
    metadata_uri          = local.metadata_uri
    metadata_ca           = local.metadata_ca
    metadata_user         = "druid"
  }
}

# The same request body that the DAG would send.
data "external" "vm" {
  count = var.create_vm ? 1 : 0

  program = ["python3", "${path.module}/vm_body.py"]
  query   = local.vm_settings
}

locals {
  vm_body = var.create_vm ? jsondecode(data.external.vm[0].result.body) : null
}

resource "google_compute_disk" "data" {
  count = var.create_vm ? 1 : 0

  name   = local.vm_body.disks[1].initializeParams.diskName
  zone   = var.zone
  type   = basename(local.vm_body.disks[1].initializeParams.diskType)
  size   = local.vm_body.disks[1].initializeParams.diskSizeGb
  labels = local.vm_body.disks[1].initializeParams.labels

  # Druid's data are on it.
  lifecycle {
    prevent_destroy = true
  }
}

resource "google_compute_instance" "druid" {
  count = var.create_vm ? 1 : 0

  name         = var.instance
  description  = local.vm_body.description
  zone         = var.zone
  machine_type = basename(local.vm_body.machineType)
  labels       = local.vm_body.labels
  tags         = local.vm_body.tags.items

  # Compute Engine changes the machine type only of a stopped VM.
  allow_stopping_for_update = true

  boot_disk {
    auto_delete = local.vm_body.disks[0].autoDelete

    initialize_params {
      image  = local.vm_body.disks[0].initializeParams.sourceImage
      type   = basename(local.vm_body.disks[0].initializeParams.diskType)
      size   = local.vm_body.disks[0].initializeParams.diskSizeGb
      labels = local.vm_body.disks[0].initializeParams.labels
    }
  }

  attached_disk {
    source      = google_compute_disk.data[0].self_link
    device_name = local.vm_body.disks[1].deviceName
  }

  # No access_config: no external IP.
  network_interface {
    subnetwork = local.vm_body.networkInterfaces[0].subnetwork
  }

  service_account {
    email  = local.vm_body.serviceAccounts[0].email
    scopes = local.vm_body.serviceAccounts[0].scopes
  }

  scheduling {
    provisioning_model          = local.vm_body.scheduling.provisioningModel
    automatic_restart           = local.vm_body.scheduling.automaticRestart
    on_host_maintenance         = local.vm_body.scheduling.onHostMaintenance
    instance_termination_action = local.vm_body.scheduling.instanceTerminationAction

    max_run_duration {
      seconds = local.vm_body.scheduling.maxRunDuration.seconds
    }
  }

  shielded_instance_config {
    enable_secure_boot          = local.vm_body.shieldedInstanceConfig.enableSecureBoot
    enable_vtpm                 = local.vm_body.shieldedInstanceConfig.enableVtpm
    enable_integrity_monitoring = local.vm_body.shieldedInstanceConfig.enableIntegrityMonitoring
  }

  metadata = { for item in local.vm_body.metadata.items : item.key => item.value }

  # The VM reads its secrets and its bucket as soon as it boots.
  depends_on = [
    google_compute_router_nat.ventas,
    google_secret_manager_secret_iam_member.druid,
    google_storage_bucket_iam_member.druid,
  ]
}
