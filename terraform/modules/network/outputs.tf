output "network" {
  description = "Id of the network."
  value       = google_compute_network.ventas.id
}

output "subnetwork" {
  description = "Partial URL of the subnetwork, which has a NAT."
  value       = google_compute_subnetwork.ventas.id

  # The VMs download as soon as they boot.
  depends_on = [google_compute_router_nat.ventas]
}
