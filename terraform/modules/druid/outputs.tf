output "account" {
  description = "Resource name of the VM's service account."
  value       = google_service_account.druid.name
}

output "settings" {
  description = "The VM's settings, as texts."
  value       = local.settings
}

output "host" {
  # If the DAG creates the VM, its address is not known yet, but its name in the VPC is.
  description = "Host of Druid's router within the VPC."
  value       = var.create_vm ? google_compute_instance.druid[0].network_interface[0].network_ip : "${var.vm.instance}.${var.vm.zone}.c.${var.project}.internal"
}

output "kafka_secret" {
  description = "Resource name of the secret with Druid's login to Kafka."
  value       = google_secret_manager_secret.druid[local.settings.secret_kafka_jaas].id
}

output "labels" {
  description = "Labels of the VM."
  value       = local.vm.labels
}
