# A VPC refuses every connection from outside that no rule here allows.

locals {
  # The rule for Identity-Aware Proxy is defined once, in the file that the DAG's tests read too.
  iap = jsondecode(file("${path.module}/../../../include/gcp/firewall.json"))
}

resource "google_compute_firewall" "iap" {
  name          = local.iap.name
  description   = local.iap.description
  network       = google_compute_network.ventas.id
  direction     = local.iap.direction
  source_ranges = local.iap.sourceRanges
  target_tags   = local.iap.targetTags

  dynamic "allow" {
    for_each = local.iap.allowed

    content {
      protocol = allow.value.IPProtocol
      ports    = allow.value.ports
    }
  }
}

# Google admits a source that is in a range or has a tag.
resource "google_compute_firewall" "airflow" {
  count = length(var.airflow_ranges) > 0 || var.airflow_vm ? 1 : 0

  name          = "ventas-druid-airflow"
  description   = "Lets Airflow reach Druid's router"
  network       = google_compute_network.ventas.id
  direction     = "INGRESS"
  source_ranges = var.airflow_ranges
  source_tags   = var.airflow_vm ? [var.airflow_tag] : []
  target_tags   = local.iap.targetTags

  allow {
    protocol = "tcp"
    ports    = [var.druid_port]
  }
}

resource "google_compute_firewall" "airflow_iap" {
  count = var.airflow_vm ? 1 : 0

  name          = "ventas-airflow-iap"
  description   = "SSH and Airflow's web server, by Identity-Aware Proxy's TCP forwarding alone"
  network       = google_compute_network.ventas.id
  direction     = "INGRESS"
  source_ranges = local.iap.sourceRanges
  target_tags   = [var.airflow_tag]

  allow {
    protocol = "tcp"
    ports    = ["22", "8080"]
  }
}
