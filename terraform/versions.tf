terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
    # Runs vm_body.py, only with create_vm.
    external = {
      source  = "hashicorp/external"
      version = "~> 2.3"
    }
  }
}

provider "google" {
  project = var.project
  region  = local.region
}

locals {
  region = join("-", slice(split("-", var.zone), 0, 2))

  # The VM and the firewall rule are defined once, in the files that the DAG reads too.
  vm       = jsondecode(file("${path.module}/../include/gcp/vm.json"))
  firewall = jsondecode(file("${path.module}/../include/gcp/firewall.json"))
}

resource "google_project_service" "needed" {
  for_each = toset(concat(
    [
      "cloudresourcemanager.googleapis.com",
      "compute.googleapis.com",
      "iam.googleapis.com",
      "iamcredentials.googleapis.com",
      "iap.googleapis.com",
      "logging.googleapis.com",
      "monitoring.googleapis.com",
      "secretmanager.googleapis.com",
      "storage.googleapis.com",
    ],
    var.cloud_sql ? ["servicenetworking.googleapis.com", "sqladmin.googleapis.com"] : [],
  ))

  service            = each.key
  disable_on_destroy = false
}
