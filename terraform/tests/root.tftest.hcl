# `terraform test` evaluates the expressions without an account. The clouds' providers are mocked with
# their real schemas; vm_body.py really runs.

mock_provider "google" {
  override_during = plan

  mock_resource "google_service_account" {
    defaults = {
      name   = "projects/my-project/serviceAccounts/someone@my-project.iam.gserviceaccount.com"
      email  = "someone@my-project.iam.gserviceaccount.com"
      member = "serviceAccount:someone@my-project.iam.gserviceaccount.com"
    }
  }

  mock_resource "google_compute_subnetwork" {
    defaults = {
      id = "projects/my-project/regions/southamerica-east1/subnetworks/ventas"
    }
  }

  mock_resource "google_sql_database_instance" {
    defaults = {
      private_ip_address = "10.0.0.5"
      server_ca_cert     = [{ cert = "-----BEGIN CERTIFICATE-----" }]
    }
  }

  mock_data "google_project" {
    defaults = { number = "123456" }
  }
}

mock_provider "google" {
  alias           = "billing"
  override_during = plan
}

mock_provider "confluent" {
  override_during = plan

  mock_resource "confluent_service_account" {
    defaults = { id = "sa-1", api_version = "iam/v2", kind = "ServiceAccount" }
  }

  mock_resource "confluent_kafka_cluster" {
    defaults = {
      id                 = "lkc-1"
      api_version        = "cmk/v2"
      kind               = "Cluster"
      rest_endpoint      = "https://pkc-1.southamerica-east1.gcp.confluent.cloud:443"
      rbac_crn           = "crn://confluent.cloud/organization=o/environment=e/cloud-cluster=c"
      bootstrap_endpoint = "SASL_SSL://pkc-1.southamerica-east1.gcp.confluent.cloud:9092"
    }
  }
}

variables {
  project = "my-project"
}

run "without_a_vm" {
  command = plan

  assert {
    condition     = jsondecode(output.google_cloud_default).extra.service_account == "someone@my-project.iam.gserviceaccount.com"
    error_message = "The connection names the VM's account."
  }

  assert {
    condition     = jsondecode(output.google_cloud_default).extra.bucket == "my-project-ventas-druid"
    error_message = "The connection names the bucket."
  }

  assert {
    condition     = jsondecode(output.google_cloud_default).extra.disk_type == "pd-ssd"
    error_message = "The connection names the default disk type of an n2 machine."
  }

  assert {
    condition     = jsondecode(output.druid_ingest_default).host == "druid-ventas.southamerica-east1-a.c.my-project.internal"
    error_message = "The connection names the VM within the VPC."
  }

  assert {
    condition     = output.airflow_vm == null && output.kafka_bootstrap == null && length(google_billing_budget.ventas) == 0
    error_message = "Airflow's VM, the Kafka cluster and the budget are made only if asked for."
  }
}

run "with_everything" {
  command = plan

  variables {
    airflow_vm      = true
    cloud_sql       = true
    confluent       = true
    create_vm       = true
    budget          = 200
    billing_account = "012345-6789AB-CDEF01"

    druid_properties = [
      "*/druid.monitoring.monitors=[\"org.apache.druid.java.util.metrics.JvmMonitor\"]",
      "middleManager/druid.worker.capacity=4",
    ]

    machine_type = "n4-highmem-8"
  }

  assert {
    condition     = output.airflow_vm == "airflow-ventas"
    error_message = "Airflow has a VM."
  }

  assert {
    condition     = output.kafka_bootstrap == "pkc-1.southamerica-east1.gcp.confluent.cloud:9092"
    error_message = "Kafka's clients get the address without its protocol."
  }

  assert {
    condition     = length(split("\n", jsondecode(output.google_cloud_default).extra.druid_properties)) == 2
    error_message = "The connection has Druid's own settings, one a line."
  }

  assert {
    condition     = jsondecode(output.google_cloud_default).extra.metadata_ca == "-----BEGIN CERTIFICATE-----"
    error_message = "The connection names the authority of Cloud SQL's certificate, which is no secret."
  }

  assert {
    condition     = jsondecode(output.google_cloud_default).extra.disk_type == "hyperdisk-balanced"
    error_message = "An n4 machine gets the disk type that it takes."
  }

  assert {
    condition     = google_billing_budget.ventas[0].amount[0].specified_amount[0].units == "200" && google_billing_budget.ventas[0].budget_filter[0].projects == toset(["projects/123456"])
    error_message = "The budget is of this project alone."
  }
}

run "the_world_is_no_airflow" {
  command = plan

  variables {
    airflow_ranges = ["0.0.0.0/0"]
  }

  expect_failures = [var.airflow_ranges]
}

run "a_tunnel_needs_the_vm" {
  command = plan

  variables {
    tunnel_members     = ["user:ana@example.com"]
    airflow_vm_members = ["user:ana@example.com"]
  }

  expect_failures = [var.tunnel_members, var.airflow_vm_members]
}

run "everybody_is_no_member" {
  command = plan

  variables {
    create_vm          = true
    airflow_vm         = true
    tunnel_members     = ["allUsers"]
    airflow_vm_members = ["allUsers"]
    impersonators      = ["allAuthenticatedUsers"]
  }

  expect_failures = [var.tunnel_members, var.airflow_vm_members, var.impersonators]
}

run "an_n4_machine_has_no_pd_ssd" {
  command = plan

  variables {
    machine_type = "n4-standard-4"
    disk_type    = "pd-ssd"
  }

  expect_failures = [var.disk_type]
}

run "an_n2_machine_has_no_hyperdisk_balanced" {
  command = plan

  variables {
    disk_type = "hyperdisk-balanced"
  }

  expect_failures = [var.disk_type]
}

run "a_setting_of_druid_names_a_service_and_a_key" {
  command = plan

  variables {
    druid_properties = ["druid.server.http.numThreads=60"]
  }

  expect_failures = [var.druid_properties]
}

run "a_budget_needs_a_billing_account" {
  command = plan

  variables {
    budget = 200
  }

  expect_failures = [var.budget]
}
