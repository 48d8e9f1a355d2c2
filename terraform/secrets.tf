# The secrets without their values: those are added by hand (docs/deploy.md), so that no state file
# contains one.

locals {
  # The VM reads them at its boot.
  druid_secrets = toset(concat(
    [
      local.vm_settings.secret_kafka_jaas,
      local.vm_settings.secret_druid_admin,
      local.vm_settings.secret_druid_internal,
    ],
    var.cloud_sql ? [local.vm_settings.secret_metadata] : [],
  ))

  # Airflow's secrets backend reads them. A name is the backend's prefix and the connection's id.
  airflow_secrets = toset([
    "airflow-connections-druid_broker_default",
    "airflow-connections-druid_ingest_default",
    "airflow-connections-google_cloud_default",
    "airflow-connections-kafka_default",
    # For alerts (optional). Without the secret each look-up of the connection would log an error.
    "airflow-connections-ventas_alerts",
  ])
}

resource "google_secret_manager_secret" "ventas" {
  for_each = setunion(local.druid_secrets, local.airflow_secrets)

  secret_id = each.key
  labels    = local.vm.labels

  replication {
    auto {}
  }

  depends_on = [google_project_service.needed]
}

resource "google_secret_manager_secret_iam_member" "druid" {
  for_each = local.druid_secrets

  secret_id = google_secret_manager_secret.ventas[each.key].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.druid.member
}

resource "google_secret_manager_secret_iam_member" "airflow" {
  for_each = local.airflow_secrets

  secret_id = google_secret_manager_secret.ventas[each.key].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.airflow.member
}
