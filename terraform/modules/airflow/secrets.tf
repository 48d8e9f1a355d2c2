# The connections without their values: those are added later (docs/deploy.md), so that no state file
# contains one.

locals {
  # Airflow's secrets backend reads them. A name is the backend's prefix and the connection's id.
  connections = toset([
    "airflow-connections-druid_broker_default",
    "airflow-connections-druid_ingest_default",
    "airflow-connections-google_cloud_default",
    "airflow-connections-kafka_default",
    # For alerts (optional). Without the secret each look-up of the connection would log an error.
    "airflow-connections-ventas_alerts",
  ])
}

resource "google_secret_manager_secret" "connections" {
  for_each = local.connections

  secret_id = each.key
  labels    = var.labels

  replication {
    auto {}
  }

  depends_on = [var.services]
}

resource "google_secret_manager_secret_iam_member" "airflow" {
  for_each = local.connections

  secret_id = google_secret_manager_secret.connections[each.key].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.airflow.member
}
