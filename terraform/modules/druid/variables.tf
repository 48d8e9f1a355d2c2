variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of all resources but the VM and its disk."
  type        = string
}

variable "network" {
  description = "Id of the network."
  type        = string
}

variable "subnetwork" {
  description = "Partial URL of the VM's subnetwork, which has a NAT."
  type        = string
}

variable "vm" {
  description = "The VM; the root module describes and checks each value."
  type = object({
    zone             = string
    instance         = string
    machine_type     = string
    rate             = number
    disk_type        = string
    data_disk_gb     = number
    max_run_seconds  = number
    druid_url        = string
    druid_checksum   = string
    druid_properties = list(string)
  })
}

variable "bucket" {
  description = "Name of the bucket; if empty, the name is PROJECT-ventas-druid."
  type        = string
}

variable "create_vm" {
  description = "Create the VM now. Otherwise the DAG creates it."
  type        = bool
}

variable "data_disk_snapshot" {
  description = "Snapshot with which the data disk begins; empty for an empty disk."
  type        = string
}

variable "snapshot_keep_days" {
  description = "Days for which the daily snapshots of the data disk are kept; 0 for no snapshots."
  type        = number
}

variable "cloud_sql" {
  description = "Keep Druid's metadata in Cloud SQL."
  type        = bool
}

variable "cloud_sql_tier" {
  description = "Machine type of Cloud SQL."
  type        = string
}

variable "tunnel_members" {
  description = "IAM principals that may open an IAP tunnel to Druid's router."
  type        = list(string)
}

variable "services" {
  description = "Google's services, which must be enabled first."
  type        = any
}
