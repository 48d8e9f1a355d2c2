# The secrets without their values: those are added later (docs/deploy.md), so that no state file
# contains one.

locals {
  # The VM reads them at its boot.
  secrets = toset(concat(
    [
      local.settings.secret_kafka_jaas,
      local.settings.secret_druid_admin,
      local.settings.secret_druid_internal,
    ],
    var.cloud_sql ? [local.settings.secret_metadata] : [],
  ))
}

resource "google_secret_manager_secret" "druid" {
  for_each = local.secrets

  secret_id = each.key
  labels    = local.vm.labels

  replication {
    auto {}
  }

  depends_on = [var.services]
}

resource "google_secret_manager_secret_iam_member" "druid" {
  for_each = local.secrets

  secret_id = google_secret_manager_secret.druid[each.key].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.druid.member
}
