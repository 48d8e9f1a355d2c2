output "account" {
  description = "E-mail of Airflow's service account."
  value       = google_service_account.airflow.email
}

output "kafka_secret" {
  description = "Resource name of the secret with the connection kafka_default."
  value       = google_secret_manager_secret.connections["airflow-connections-kafka_default"].id
}

output "vm" {
  description = "Name of Airflow's VM; null without it."
  value       = one(google_compute_instance.airflow[*].name)
}
