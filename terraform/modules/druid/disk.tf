# The data disk. The DAG's VM has a disk of the same name, type and size; with `create_vm`, a snapshot
# or a snapshot schedule, Terraform makes it, and the DAG's VM finds it.

locals {
  makes_disk = var.create_vm || var.data_disk_snapshot != "" || var.snapshot_keep_days > 0
  data_disk  = local.vm.disks[1]
}

resource "google_compute_disk" "data" {
  count = local.makes_disk ? 1 : 0

  name     = replace(local.data_disk.initializeParams.diskName, "{instance}", var.vm.instance)
  zone     = var.vm.zone
  type     = var.vm.disk_type
  size     = var.vm.data_disk_gb
  snapshot = var.data_disk_snapshot == "" ? null : var.data_disk_snapshot
  labels   = local.data_disk.initializeParams.labels

  # Druid's data are on it. A snapshot only fills a new disk: naming another one changes nothing.
  lifecycle {
    prevent_destroy = true
    ignore_changes  = [snapshot]
  }

  depends_on = [var.services]
}

resource "google_compute_resource_policy" "snapshots" {
  count = var.snapshot_keep_days > 0 ? 1 : 0

  name   = "ventas-druid-data"
  region = var.region

  snapshot_schedule_policy {
    schedule {
      daily_schedule {
        days_in_cycle = 1
        # UTC: in Argentina 05:00, outside the hours of the window.
        start_time = "08:00"
      }
    }

    retention_policy {
      max_retention_days    = var.snapshot_keep_days
      on_source_disk_delete = "KEEP_AUTO_SNAPSHOTS"
    }

    snapshot_properties {
      labels            = local.data_disk.initializeParams.labels
      storage_locations = [var.region]
    }
  }

  depends_on = [var.services]
}

resource "google_compute_disk_resource_policy_attachment" "snapshots" {
  count = var.snapshot_keep_days > 0 ? 1 : 0

  name = google_compute_resource_policy.snapshots[0].name
  disk = google_compute_disk.data[0].name
  zone = google_compute_disk.data[0].zone
}
