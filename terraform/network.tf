resource "google_compute_network" "ventas" {
  name                    = "ventas"
  auto_create_subnetworks = false

  depends_on = [google_project_service.needed]
}

resource "google_compute_subnetwork" "ventas" {
  name          = "ventas"
  network       = google_compute_network.ventas.id
  region        = local.region
  ip_cidr_range = var.subnetwork_range

  # Traffic to Cloud Storage, Secret Manager and Logging stays in Google's network.
  private_ip_google_access = true
}

# The VM has no external IP, but downloads from Debian's and Druid's archives.
resource "google_compute_router" "ventas" {
  name    = "ventas"
  network = google_compute_network.ventas.id
  region  = local.region
}

resource "google_compute_router_nat" "ventas" {
  name                               = "ventas"
  router                             = google_compute_router.ventas.name
  region                             = local.region
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

resource "google_compute_firewall" "iap" {
  name          = local.firewall.name
  description   = local.firewall.description
  network       = google_compute_network.ventas.id
  direction     = local.firewall.direction
  source_ranges = local.firewall.sourceRanges
  target_tags   = local.firewall.targetTags

  dynamic "allow" {
    for_each = local.firewall.allowed

    content {
      protocol = allow.value.IPProtocol
      ports    = allow.value.ports
    }
  }
}

resource "google_compute_firewall" "airflow" {
  count = length(var.airflow_ranges) > 0 ? 1 : 0

  name          = "ventas-druid-airflow"
  description   = "Lets Airflow's addresses reach Druid's router"
  network       = google_compute_network.ventas.id
  direction     = "INGRESS"
  source_ranges = var.airflow_ranges
  target_tags   = local.firewall.targetTags

  allow {
    protocol = "tcp"
    ports    = ["8888"]
  }
}
