mock_provider "google" {
  override_during = plan

  mock_resource "google_service_account" {
    defaults = {
      name   = "projects/my-project/serviceAccounts/someone@my-project.iam.gserviceaccount.com"
      email  = "someone@my-project.iam.gserviceaccount.com"
      member = "serviceAccount:someone@my-project.iam.gserviceaccount.com"
    }
  }
}

variables {
  project          = "my-project"
  region           = "southamerica-east1"
  zone             = "southamerica-east1-a"
  subnetwork       = "projects/my-project/regions/southamerica-east1/subnetworks/ventas"
  subnetwork_range = "10.80.0.0/24"
  airflow_ranges   = []
  airflow_vm       = false
  airflow_tag      = "ventas-airflow"
  druid_port       = "9088"
  druid_instance   = "druid-ventas"
  druid_account    = "projects/my-project/serviceAccounts/ventas-druid@my-project.iam.gserviceaccount.com"
  impersonators    = []
  vm               = false
  machine_type     = "e2-standard-4"
  vm_members       = []
  tag              = "ventas-airflow"
  labels           = { app = "ventas", component = "airflow" }
  services         = {}
}

run "only_iap_gets_in" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition     = google_compute_firewall.iap.target_tags == toset(["ventas-druid"]) && google_compute_firewall.iap.source_ranges == toset(["35.235.240.0/20"])
    error_message = "IAP reaches the Druid VM."
  }

  assert {
    condition     = length(google_compute_firewall.airflow) + length(google_compute_firewall.airflow_iap) == 0
    error_message = "Without airflow_ranges and airflow_vm IAP alone gets in."
  }
}

run "the_vm_of_airflow_reaches_the_router" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    airflow_vm = true
  }

  assert {
    condition     = google_compute_firewall.airflow[0].source_tags == toset(["ventas-airflow"]) && google_compute_firewall.airflow[0].target_tags == toset(["ventas-druid"])
    error_message = "Airflow's VM reaches the Druid VM."
  }

  assert {
    condition     = one(google_compute_firewall.airflow[0].allow).ports == tolist(["9088"])
    error_message = "Airflow reaches no other port than that of the router."
  }

  assert {
    condition     = google_compute_firewall.airflow_iap[0].source_ranges == google_compute_firewall.iap.source_ranges && google_compute_firewall.airflow_iap[0].target_tags == toset(["ventas-airflow"])
    error_message = "People reach Airflow's VM by IAP alone."
  }
}

run "airflow_operates_one_vm" {
  command = plan

  module {
    source = "./modules/airflow"
  }

  assert {
    condition     = strcontains(google_project_iam_member.airflow_vm.condition[0].expression, "/instances/druid-ventas')")
    error_message = "Airflow may start and stop the VM of this name alone."
  }

  assert {
    condition     = length(google_compute_instance.airflow) == 0
    error_message = "Airflow gets a VM only if asked for."
  }
}

run "with_a_vm_for_airflow" {
  command = plan

  module {
    source = "./modules/airflow"
  }

  variables {
    vm         = true
    vm_members = ["user:ana@example.com"]
  }

  assert {
    condition     = google_compute_instance.airflow[0].tags == toset(["ventas-airflow"]) && length(google_compute_instance.airflow[0].network_interface[0].access_config) == 0
    error_message = "The firewall's rules are for this VM, and it has no external IP."
  }

  assert {
    condition     = google_compute_instance.airflow[0].service_account[0].email == "someone@my-project.iam.gserviceaccount.com" && google_compute_instance.airflow[0].service_account[0].scopes == toset(["https://www.googleapis.com/auth/cloud-platform"])
    error_message = "Airflow runs as its account, whose roles decide."
  }

  assert {
    condition     = google_iap_tunnel_instance_iam_member.airflow["user:ana@example.com"].condition[0].expression == "destination.port == 22 || destination.port == 8080"
    error_message = "The tunnel leads to SSH and to Airflow's web server."
  }
}
