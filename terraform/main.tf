locals {
  region      = join("-", slice(split("-", var.zone), 0, 2))
  airflow_tag = "ventas-airflow"

  # The address at which Airflow reaches Druid's router: by default at the tunnel's end if nothing else leads there,
  # or at the VM.
  by_tunnel     = length(var.tunnel_members) > 0 && length(var.airflow_ranges) == 0 && !var.airflow_vm
  druid_host    = local.by_tunnel ? "127.0.0.1" : module.druid.host
  druid_address = coalesce(var.druid_address, "http://${local.druid_host}:8888")
  druid_port    = try(regex("[0-9]+$", var.druid_address), "8888")

  # Types of disk that the VM's machine series takes, the default first.
  series     = split("-", var.machine_type)[0]
  disk_types = lookup(jsondecode(file("${path.module}/../include/gcp/disk_types.json")), local.series, ["none"])
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
    var.budget > 0 ? ["billingbudgets.googleapis.com"] : [],
  ))

  service            = each.key
  disable_on_destroy = false
}

# The modules get the services as a variable. With `depends_on` here, a service that is added would
# defer vm_body.py to the apply, and the plan would show that the VM is created again.

module "network" {
  source = "./modules/network"

  region           = local.region
  subnetwork_range = var.subnetwork_range
  airflow_ranges   = var.airflow_ranges
  druid_port       = local.druid_port
  airflow_vm       = var.airflow_vm
  airflow_tag      = local.airflow_tag
  services         = google_project_service.needed
}

module "druid" {
  source = "./modules/druid"

  project    = var.project
  region     = local.region
  network    = module.network.network
  subnetwork = module.network.subnetwork
  bucket     = var.bucket
  services   = google_project_service.needed

  vm = {
    zone             = var.zone
    instance         = var.instance
    machine_type     = var.machine_type
    rate             = var.rate
    disk_type        = coalesce(var.disk_type, local.disk_types[0])
    data_disk_gb     = var.data_disk_gb
    max_run_seconds  = var.max_run_seconds
    druid_url        = var.druid_url
    druid_checksum   = var.druid_checksum
    druid_properties = var.druid_properties
  }

  create_vm          = var.create_vm
  data_disk_snapshot = var.data_disk_snapshot
  snapshot_keep_days = var.snapshot_keep_days
  cloud_sql          = var.cloud_sql
  cloud_sql_tier     = var.cloud_sql_tier
  tunnel_members     = var.tunnel_members
}

module "airflow" {
  source = "./modules/airflow"

  project        = var.project
  region         = local.region
  zone           = var.zone
  subnetwork     = module.network.subnetwork
  druid_instance = var.instance
  druid_account  = module.druid.account
  impersonators  = var.impersonators
  vm             = var.airflow_vm
  machine_type   = var.airflow_machine_type
  vm_members     = var.airflow_vm_members
  tag            = local.airflow_tag
  labels         = { app = module.druid.labels.app, component = "airflow" }
  services       = google_project_service.needed
}

module "confluent" {
  source = "./modules/confluent"
  count  = var.confluent ? 1 : 0

  region          = local.region
  schema_registry = var.schema_registry
  airflow_secret  = module.airflow.kafka_secret
  druid_secret    = module.druid.kafka_secret
}

# -- Costs -----------------------------------------------------------------------------------------

data "google_project" "ventas" {
  count = var.budget > 0 ? 1 : 0

  project_id = var.project
}

# Google mails the billing account's administrators and users at each share. A budget stops nothing.
resource "google_billing_budget" "ventas" {
  count    = var.budget > 0 ? 1 : 0
  provider = google.billing

  billing_account = var.billing_account
  display_name    = "ventas: ${var.project}"

  budget_filter {
    projects = ["projects/${data.google_project.ventas[0].number}"]
  }

  # In the currency of the billing account.
  amount {
    specified_amount {
      units = tostring(var.budget)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1]

    content {
      threshold_percent = threshold_rules.value
    }
  }

  depends_on = [google_project_service.needed]
}
