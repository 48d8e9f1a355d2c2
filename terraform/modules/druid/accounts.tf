resource "google_service_account" "druid" {
  account_id   = "ventas-druid"
  display_name = "Druid of the sales lab (the VM)"

  depends_on = [var.services]
}

resource "google_project_iam_member" "druid" {
  for_each = toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])

  project = var.project
  role    = each.key
  member  = google_service_account.druid.member
}

# -- People ----------------------------------------------------------------------------------------

# The right is given on the VM and not on the project, so the VM must exist: this needs `create_vm`.
resource "google_iap_tunnel_instance_iam_member" "router" {
  for_each = toset(var.tunnel_members)

  project  = var.project
  zone     = google_compute_instance.druid[0].zone
  instance = google_compute_instance.druid[0].name
  role     = "roles/iap.tunnelResourceAccessor"
  member   = each.key

  condition {
    title      = "druid-router"
    expression = "destination.port == 8888"
  }

  depends_on = [var.services]
}
