resource "google_compute_network" "ventas" {
  name                    = "ventas"
  auto_create_subnetworks = false

  depends_on = [var.services]
}

resource "google_compute_subnetwork" "ventas" {
  name          = "ventas"
  network       = google_compute_network.ventas.id
  region        = var.region
  ip_cidr_range = var.subnetwork_range

  # Traffic to Cloud Storage, Secret Manager and Logging stays in Google's network.
  private_ip_google_access = true
}

# The VMs have no external IP, but download from Debian's, Druid's and Python's archives.
resource "google_compute_router" "ventas" {
  name    = "ventas"
  network = google_compute_network.ventas.id
  region  = var.region
}

resource "google_compute_router_nat" "ventas" {
  name                               = "ventas"
  router                             = google_compute_router.ventas.name
  region                             = var.region
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.ventas.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
