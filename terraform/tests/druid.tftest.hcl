mock_provider "google" {
  override_during = plan

  mock_resource "google_service_account" {
    defaults = {
      name   = "projects/my-project/serviceAccounts/someone@my-project.iam.gserviceaccount.com"
      email  = "someone@my-project.iam.gserviceaccount.com"
      member = "serviceAccount:someone@my-project.iam.gserviceaccount.com"
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
  project            = "my-project"
  region             = "southamerica-east1"
  network            = "projects/my-project/global/networks/ventas"
  subnetwork         = "projects/my-project/regions/southamerica-east1/subnetworks/ventas"
  bucket             = ""
  create_vm          = false
  data_disk_snapshot = ""
  snapshot_keep_days = 0
  cloud_sql          = false
  cloud_sql_tier     = "db-custom-1-3840"
  tunnel_members     = []
  services           = {}

  vm = {
    zone             = "southamerica-east1-a"
    instance         = "druid-ventas"
    machine_type     = "n4-highmem-8"
    rate             = 1000
    disk_type        = "hyperdisk-balanced"
    data_disk_gb     = 100
    max_run_seconds  = 50400
    druid_url        = "https://example.com/apache-druid-33.0.0-bin.tar.gz"
    druid_checksum   = "5ee5ddbcc2273834af8a18dd173b2a04b9a911cb7ce516279db605788abd7d79"
    druid_properties = ["*/druid.emitter=logging", "broker/druid.server.http.numThreads=60"]
  }
}

run "without_a_vm" {
  command = plan

  module {
    source = "./modules/druid"
  }

  assert {
    condition     = length(google_compute_instance.druid) + length(google_compute_disk.data) == 0
    error_message = "The DAG creates the VM unless create_vm says otherwise."
  }

  assert {
    condition     = output.settings.druid_properties == "*/druid.emitter=logging\nbroker/druid.server.http.numThreads=60"
    error_message = "The connection has Druid's own settings, one a line."
  }
}

run "with_the_vm_that_the_dag_would_create" {
  command = plan

  module {
    source = "./modules/druid"
  }

  variables {
    create_vm      = true
    tunnel_members = ["user:ana@example.com"]
  }

  assert {
    condition     = google_compute_instance.druid[0].machine_type == "n4-highmem-8"
    error_message = "The VM has the machine type that was asked for."
  }

  assert {
    condition     = google_compute_disk.data[0].name == "druid-ventas-data" && google_compute_disk.data[0].type == "hyperdisk-balanced" && google_compute_disk.data[0].size == 100
    error_message = "The data disk is the one that the DAG's VM would look for."
  }

  assert {
    condition     = google_compute_instance.druid[0].attached_disk[0].device_name == "druid-data"
    error_message = "The VM finds its data disk by the device name."
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
    condition     = google_iap_tunnel_instance_iam_member.router["user:ana@example.com"].instance == "druid-ventas"
    error_message = "The right to open a tunnel is on the VM."
  }

  assert {
    condition     = google_iap_tunnel_instance_iam_member.router["user:ana@example.com"].condition[0].expression == "destination.port == 8888"
    error_message = "The tunnel leads to the router alone."
  }
}

run "with_a_disk_from_a_snapshot_that_is_itself_snapshotted" {
  command = plan

  module {
    source = "./modules/druid"
  }

  variables {
    data_disk_snapshot = "before-the-upgrade"
    snapshot_keep_days = 7
  }

  assert {
    condition     = length(google_compute_instance.druid) == 0 && google_compute_disk.data[0].snapshot == "before-the-upgrade"
    error_message = "Terraform makes the disk, and the DAG makes the VM."
  }

  assert {
    condition     = google_compute_disk_resource_policy_attachment.snapshots[0].disk == "druid-ventas-data" && google_compute_resource_policy.snapshots[0].snapshot_schedule_policy[0].retention_policy[0].max_retention_days == 7
    error_message = "Google takes snapshots of this disk."
  }
}

run "with_cloud_sql" {
  command = plan

  module {
    source = "./modules/druid"
  }

  variables {
    cloud_sql = true
  }

  assert {
    condition     = output.settings.metadata_uri == "jdbc:postgresql://10.0.0.5:5432/druid"
    error_message = "The VM is told where its metadata is."
  }

  assert {
    condition     = output.settings.metadata_ca == "-----BEGIN CERTIFICATE-----"
    error_message = "The VM is told whose certificate its metadata store has."
  }

  assert {
    condition     = contains(keys(google_secret_manager_secret_iam_member.druid), "ventas-druid-metadata")
    error_message = "The VM may read the metadata store's password."
  }
}
