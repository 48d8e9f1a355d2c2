output "bootstrap" {
  description = "Address of the cluster, for Kafka's clients."
  value       = local.bootstrap
}
