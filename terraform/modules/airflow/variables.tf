variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of the subnetwork."
  type        = string
}

variable "zone" {
  description = "Zone of Airflow's VM."
  type        = string
}

variable "subnetwork" {
  description = "Partial URL of the subnetwork."
  type        = string
}

variable "druid_instance" {
  description = "Name of the Druid VM, the only one that Airflow may operate."
  type        = string
}

variable "druid_account" {
  description = "Resource name of the Druid VM's service account."
  type        = string
}

variable "impersonators" {
  description = "IAM principals that may act as Airflow's service account."
  type        = list(string)
}

variable "vm" {
  description = "Create a VM for Airflow."
  type        = bool
}

variable "machine_type" {
  description = "Machine type of Airflow's VM."
  type        = string
}

variable "vm_members" {
  description = "IAM principals that may reach SSH and the web server of Airflow's VM."
  type        = list(string)
}

variable "tag" {
  description = "Network tag of Airflow's VM."
  type        = string
}

variable "labels" {
  description = "Labels of everything that has a price."
  type        = map(string)
}

variable "services" {
  description = "Google's services, which must be enabled first."
  type        = any
}
