variable "region" {
  description = "Region of the subnetwork."
  type        = string
}

variable "subnetwork_range" {
  description = "Address range of the subnetwork."
  type        = string
}

variable "airflow_ranges" {
  description = "Private ranges from which Airflow reaches Druid's router."
  type        = list(string)
}

variable "druid_port" {
  description = "Port of Druid's router for Airflow."
  type        = string
}

variable "airflow_vm" {
  description = "Admit a VM for Airflow."
  type        = bool
}

variable "airflow_tag" {
  description = "Network tag of Airflow's VM."
  type        = string
}

variable "services" {
  description = "Google's services, which must be enabled first."
  type        = any
}
