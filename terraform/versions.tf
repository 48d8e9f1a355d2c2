terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
    # Only with confluent = true.
    confluent = {
      source  = "confluentinc/confluent"
      version = "~> 2.0"
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

# The Budget API refuses a person's credentials unless the request names a project that pays for it.
provider "google" {
  alias                 = "billing"
  project               = var.project
  billing_project       = var.project
  user_project_override = true
}

# It reads CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET.
provider "confluent" {}
