# `terraform test` evaluates the module's expressions without an account. Google's provider is mocked
# with its real schema; vm_body.py really runs.

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
}

variables {
  project = "my-project"
}

run "without_a_vm" {
  command = plan

  assert {
    condition     = length(google_compute_instance.druid) + length(google_compute_disk.data) == 0
    error_message = "The DAG creates the VM unless create_vm says otherwise."
  }

  assert {
    condition     = length(google_compute_firewall.airflow) == 0
    error_message = "Without airflow_ranges IAP alone gets in."
  }

  assert {
    condition     = jsondecode(output.google_cloud_default).extra.service_account == "someone@my-project.iam.gserviceaccount.com"
    error_message = "The connection names the VM's account."
  }

  assert {
    condition     = jsondecode(output.google_cloud_default).extra.bucket == "my-project-ventas-druid"
    error_message = "The connection names the bucket."
  }

  assert {
    condition     = jsondecode(output.druid_ingest_default).host == "druid-ventas.southamerica-east1-a.c.my-project.internal"
    error_message = "The connection names the VM within the VPC."
  }
}

run "with_the_vm_that_the_dag_would_create" {
  command = plan

  variables {
    create_vm    = true
    machine_type = "n4-highmem-8"
    disk_type    = "hyperdisk-balanced"
  }

  assert {
    condition     = google_compute_instance.druid[0].machine_type == "n4-highmem-8"
    error_message = "The VM has the machine type that was asked for."
  }

  assert {
    condition     = google_compute_disk.data[0].name == "druid-ventas-data" && google_compute_disk.data[0].type == "hyperdisk-balanced"
    error_message = "The data disk is the one that the DAG's VM would look for."
  }

  assert {
    condition     = length(google_compute_instance.druid[0].network_interface[0].access_config) == 0
    error_message = "The VM has no external IP."
  }

  assert {
    condition     = google_compute_instance.druid[0].metadata["ventas-bucket"] == "my-project-ventas-druid" && length(google_compute_instance.druid[0].metadata["ventas-files"]) > 0
    error_message = "The VM gets the startup script, its files and its settings."
  }

  assert {
    condition     = google_compute_instance.druid[0].tags == google_compute_firewall.iap.target_tags
    error_message = "The firewall rule is for this VM."
  }
}

run "with_cloud_sql" {
  command = plan

  variables {
    cloud_sql = true
  }

  assert {
    condition     = jsondecode(output.google_cloud_default).extra.metadata_uri == "jdbc:postgresql://10.0.0.5:5432/druid"
    error_message = "The VM is told where its metadata is."
  }

  assert {
    condition     = jsondecode(output.google_cloud_default).extra.metadata_ca == "-----BEGIN CERTIFICATE-----"
    error_message = "The VM is told whose certificate its metadata store has."
  }

  assert {
    condition     = contains(keys(google_secret_manager_secret_iam_member.druid), "ventas-druid-metadata")
    error_message = "The VM may read the metadata store's password."
  }
}

run "the_world_is_no_airflow" {
  command = plan

  variables {
    airflow_ranges = ["0.0.0.0/0"]
  }

  expect_failures = [var.airflow_ranges]
}

run "the_tunnel_is_to_one_vm_and_port" {
  command = plan

  variables {
    create_vm      = true
    tunnel_members = ["user:ana@example.com"]
  }

  assert {
    condition     = google_iap_tunnel_instance_iam_member.router["user:ana@example.com"].instance == "druid-ventas"
    error_message = "The right to open a tunnel is on the VM."
  }

  assert {
    condition     = google_iap_tunnel_instance_iam_member.router["user:ana@example.com"].condition[0].expression == "destination.port == 8888"
    error_message = "The tunnel leads to the router alone."
  }
}

run "a_tunnel_needs_the_vm" {
  command = plan

  variables {
    tunnel_members = ["user:ana@example.com"]
  }

  expect_failures = [var.tunnel_members]
}

run "airflow_operates_one_vm" {
  command = plan

  assert {
    condition     = strcontains(google_project_iam_member.airflow_vm.condition[0].expression, "/instances/druid-ventas')")
    error_message = "Airflow may start and stop the VM of this name alone."
  }
}

run "everybody_is_no_member" {
  command = plan

  variables {
    create_vm      = true
    tunnel_members = ["allUsers"]
    impersonators  = ["allAuthenticatedUsers"]
  }

  expect_failures = [var.tunnel_members, var.impersonators]
}

run "an_n4_machine_has_no_pd_ssd" {
  command = plan

  variables {
    machine_type = "n4-standard-4"
  }

  expect_failures = [var.disk_type]
}
