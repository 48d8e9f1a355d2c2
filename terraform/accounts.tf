# -- The VM ----------------------------------------------------------------------------------------

resource "google_service_account" "druid" {
  account_id   = "ventas-druid"
  display_name = "Druid of the sales lab (the VM)"

  depends_on = [google_project_service.needed]
}

resource "google_project_iam_member" "druid" {
  for_each = toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])

  project = var.project
  role    = each.key
  member  = google_service_account.druid.member
}

# -- Airflow ---------------------------------------------------------------------------------------

resource "google_service_account" "airflow" {
  account_id   = "ventas-airflow"
  display_name = "Airflow of the sales lab"

  depends_on = [google_project_service.needed]
}

# Just what starting, stopping and creating the VM ask for. No deletion.
resource "google_project_iam_custom_role" "vm_operator" {
  role_id     = "ventasVmOperator"
  title       = "Ventas: VM operator"
  description = "Creates, starts, stops and looks at the VM of Druid"

  permissions = [
    "compute.disks.create",
    "compute.disks.get",
    "compute.disks.setLabels",
    "compute.disks.use",
    "compute.instances.create",
    "compute.instances.get",
    "compute.instances.setLabels",
    "compute.instances.setMetadata",
    "compute.instances.setServiceAccount",
    "compute.instances.setTags",
    "compute.instances.start",
    "compute.instances.stop",
    "compute.zoneOperations.get",
    "compute.zoneOperations.list",
  ]

  depends_on = [google_project_service.needed]
}

resource "google_project_iam_member" "airflow_vm" {
  project = var.project
  role    = google_project_iam_custom_role.vm_operator.name
  member  = google_service_account.airflow.member
}

resource "google_compute_subnetwork_iam_member" "airflow" {
  region     = local.region
  subnetwork = google_compute_subnetwork.ventas.name
  role       = "roles/compute.networkUser"
  member     = google_service_account.airflow.member
}

# Who gives a VM a service account has to be its user.
resource "google_service_account_iam_member" "airflow_runs_druid" {
  service_account_id = google_service_account.druid.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.airflow.member
}

resource "google_service_account_iam_member" "impersonators" {
  for_each = toset(var.impersonators)

  service_account_id = google_service_account.airflow.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.key
}

# -- People ----------------------------------------------------------------------------------------

resource "google_iap_tunnel_iam_member" "router" {
  for_each = toset(var.tunnel_members)

  project = var.project
  role    = "roles/iap.tunnelResourceAccessor"
  member  = each.key

  condition {
    title      = "druid-router"
    expression = "destination.port == 8888"
  }

  depends_on = [google_project_service.needed]
}
