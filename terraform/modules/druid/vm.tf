locals {
  # The VM is defined once, in the file that the DAG reads too.
  vm = jsondecode(file("${path.module}/../../../include/gcp/vm.json"))

  # Settings that differ between users (VmSettings in include/gcp/definition.py). They are keys in the
  # extra of Airflow's connection google_cloud_default, and all values are texts.
  settings = {
    zone                  = var.vm.zone
    instance              = var.vm.instance
    machine_type          = var.vm.machine_type
    rate                  = tostring(var.vm.rate)
    disk_type             = var.vm.disk_type
    data_disk_gb          = tostring(var.vm.data_disk_gb)
    max_run_seconds       = tostring(var.vm.max_run_seconds)
    service_account       = google_service_account.druid.email
    subnetwork            = var.subnetwork
    bucket                = google_storage_bucket.druid.name
    druid_url             = var.vm.druid_url
    druid_checksum        = var.vm.druid_checksum
    druid_properties      = join("\n", var.vm.druid_properties)
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
  query   = local.settings
}

locals {
  body = var.create_vm ? jsondecode(data.external.vm[0].result.body) : null
}

resource "google_compute_instance" "druid" {
  count = var.create_vm ? 1 : 0

  name         = var.vm.instance
  description  = local.body.description
  zone         = var.vm.zone
  machine_type = basename(local.body.machineType)
  labels       = local.body.labels
  tags         = local.body.tags.items

  # Compute Engine changes the machine type only of a stopped VM.
  allow_stopping_for_update = true

  boot_disk {
    auto_delete = local.body.disks[0].autoDelete

    initialize_params {
      image  = local.body.disks[0].initializeParams.sourceImage
      type   = basename(local.body.disks[0].initializeParams.diskType)
      size   = local.body.disks[0].initializeParams.diskSizeGb
      labels = local.body.disks[0].initializeParams.labels
    }
  }

  attached_disk {
    source      = google_compute_disk.data[0].self_link
    device_name = local.data_disk.deviceName
  }

  # No access_config: no external IP.
  network_interface {
    subnetwork = local.body.networkInterfaces[0].subnetwork
  }

  service_account {
    email  = local.body.serviceAccounts[0].email
    scopes = local.body.serviceAccounts[0].scopes
  }

  scheduling {
    provisioning_model          = local.body.scheduling.provisioningModel
    automatic_restart           = local.body.scheduling.automaticRestart
    on_host_maintenance         = local.body.scheduling.onHostMaintenance
    instance_termination_action = local.body.scheduling.instanceTerminationAction

    max_run_duration {
      seconds = local.body.scheduling.maxRunDuration.seconds
    }
  }

  shielded_instance_config {
    enable_secure_boot          = local.body.shieldedInstanceConfig.enableSecureBoot
    enable_vtpm                 = local.body.shieldedInstanceConfig.enableVtpm
    enable_integrity_monitoring = local.body.shieldedInstanceConfig.enableIntegrityMonitoring
  }

  metadata = { for item in local.body.metadata.items : item.key => item.value }

  # The provider would create the VM again to change its run time (`ForceNew`), or for a disk type
  # that only new disks get. Compute Engine changes the run time of a VM that is off:
  # docs/terraform.md has the command.
  lifecycle {
    ignore_changes = [
      scheduling[0].max_run_duration,
      boot_disk[0].initialize_params,
    ]
  }

  # The VM reads its secrets and its bucket as soon as it boots.
  depends_on = [
    google_secret_manager_secret_iam_member.druid,
    google_storage_bucket_iam_member.druid,
  ]
}
