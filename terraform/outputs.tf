# Airflow's connections as JSON, without secrets: the commands in docs/deploy.md add those.

locals {
  # If the DAG creates the VM, its address is not known yet, but its name in the VPC is.
  druid_host = var.create_vm ? google_compute_instance.druid[0].network_interface[0].network_ip : "${var.instance}.${var.zone}.c.${var.project}.internal"
}

output "google_cloud_default" {
  description = "Connection google_cloud_default, complete: it contains no secret."
  value = jsonencode({
    conn_type = "google_cloud_platform"
    extra     = merge({ project = var.project }, local.vm_settings)
  })
}

output "druid_ingest_default" {
  description = "Connection druid_ingest_default, without its password."
  value = jsonencode({
    conn_type = "druid"
    host      = local.druid_host
    port      = 8888
    schema    = "http"
    login     = "admin"
    extra     = { endpoint = "druid/indexer/v1/task" }
  })
}

output "druid_broker_default" {
  description = "Connection druid_broker_default, without its password."
  value = jsonencode({
    conn_type = "druid"
    host      = local.druid_host
    port      = 8888
    login     = "admin"
    extra     = { endpoint = "druid/v2/sql", schema = "http" }
  })
}

output "airflow_service_account" {
  description = "Service account that Airflow runs as, or impersonates."
  value       = google_service_account.airflow.email
}
