variable "region" {
  description = "Region of the cluster, the VM's own."
  type        = string
}

variable "schema_registry" {
  description = "Give Airflow a key of the environment's Schema Registry."
  type        = bool
}

variable "airflow_secret" {
  description = "Resource name of the secret that gets the connection kafka_default."
  type        = string
}

variable "druid_secret" {
  description = "Resource name of the secret that gets Druid's login to Kafka."
  type        = string
}
