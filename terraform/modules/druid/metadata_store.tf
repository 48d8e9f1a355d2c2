# Druid's metadata in Cloud SQL for PostgreSQL, reachable only from the VPC. Its user is created by
# hand (docs/deploy.md), so that no state file contains the password.

locals {
  metadata_uri = var.cloud_sql ? "jdbc:postgresql://${google_sql_database_instance.metadata[0].private_ip_address}:5432/${google_sql_database.metadata[0].name}" : ""
  # The authority of this instance's certificate: with it the VM verifies the server. The provider
  # marks the whole block as sensitive, and Terraform would refuse to print the connection.
  metadata_ca = var.cloud_sql ? nonsensitive(google_sql_database_instance.metadata[0].server_ca_cert[0].cert) : ""
}

resource "google_compute_global_address" "services" {
  count = var.cloud_sql ? 1 : 0

  name          = "ventas-services"
  network       = var.network
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "services" {
  count = var.cloud_sql ? 1 : 0

  network                 = var.network
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services[0].name]

  # Google refuses to delete the connection for days after the instance is gone, because a deleted
  # instance can be restored. So `destroy` leaves the peering: docs/terraform.md says how to end it.
  deletion_policy = "ABANDON"
}

resource "google_sql_database_instance" "metadata" {
  count = var.cloud_sql ? 1 : 0

  name                = "ventas-druid-metadata"
  region              = var.region
  database_version    = "POSTGRES_16"
  deletion_protection = true

  settings {
    tier        = var.cloud_sql_tier
    edition     = "ENTERPRISE"
    user_labels = local.vm.labels

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }
  }

  depends_on = [google_service_networking_connection.services]
}

resource "google_sql_database" "metadata" {
  count = var.cloud_sql ? 1 : 0

  name     = "druid"
  instance = google_sql_database_instance.metadata[0].name
}
