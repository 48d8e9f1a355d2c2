resource "google_storage_bucket" "druid" {
  name     = var.bucket == "" ? "${var.project}-ventas-druid" : var.bucket
  location = var.region

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  labels                      = local.vm.labels

  # Druid writes each segment once, under a unique name, and deletes old segments itself.
  versioning {
    enabled = false
  }

  # Deleted segments are gone at once. By default Cloud Storage would bill them for a week more.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = 30
      matches_prefix = ["druid/task-logs/"]
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 1
    }
  }

  depends_on = [var.services]
}

resource "google_storage_bucket_iam_member" "druid" {
  bucket = google_storage_bucket.druid.name
  role   = "roles/storage.objectAdmin"
  member = google_service_account.druid.member
}
