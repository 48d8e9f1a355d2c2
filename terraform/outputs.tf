# Airflow's connections as JSON, without secrets: the commands in docs/deploy.md add those.

output "google_cloud_default" {
  description = "Connection google_cloud_default, complete: it contains no secret."
  value = jsonencode({
    conn_type = "google_cloud_platform"
    extra     = merge({ project = var.project }, module.druid.settings)
  })
}

output "druid_ingest_default" {
  description = "Connection druid_ingest_default, without its password."
  value = jsonencode({
    conn_type = "druid"
    host      = regex("//(.+):", local.druid_address)[0]
    port      = tonumber(local.druid_port)
    schema    = split(":", local.druid_address)[0]
    login     = "admin"
    extra     = { endpoint = "druid/indexer/v1/task" }
  })
}

output "druid_broker_default" {
  description = "Connection druid_broker_default, without its password."
  value = jsonencode({
    conn_type = "druid"
    host      = regex("//(.+):", local.druid_address)[0]
    port      = tonumber(local.druid_port)
    login     = "admin"
    extra     = { endpoint = "druid/v2/sql", schema = split(":", local.druid_address)[0] }
  })
}

output "airflow_service_account" {
  description = "Service account that Airflow runs as, or impersonates."
  value       = module.airflow.account
}

output "airflow_vm" {
  description = "Name of Airflow's VM; null without airflow_vm."
  value       = module.airflow.vm
}

output "kafka_bootstrap" {
  description = "Address of the Kafka cluster; null without confluent."
  value       = one(module.confluent[*].bootstrap)
}
