variable "project" {
  description = "Id of the Google Cloud project; it must have a billing account."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Give the project's id (6 to 30 lower-case letters, digits and hyphens), not its name or number."
  }
}

variable "zone" {
  description = "Zone of the VM; all other resources are in its region."
  type        = string
  default     = "southamerica-east1-a"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+-[a-z]$", var.zone))
    error_message = "Give a zone such as southamerica-east1-a."
  }
}

variable "instance" {
  description = "Name of the VM."
  type        = string
  default     = "druid-ventas"

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,55}[a-z0-9])?$", var.instance))
    error_message = "The VM's name may have up to 57 lower-case letters, digits and hyphens, because the data disk adds -data to it."
  }
}

variable "machine_type" {
  description = "Machine type of the VM; docs/sizing.md lists the rate of each type."
  type        = string
  default     = "n2-standard-4"

  validation {
    condition     = can(regex("^(n2|n4|c3|c4)-(standard|highmem|highcpu)-[0-9]+$", var.machine_type))
    error_message = "Give an n2, n4, c3 or c4 machine type, such as n2-highmem-8."
  }
}

variable "disk_type" {
  description = "Type of the boot disk and of the data disk. By default it is the first that include/gcp/disk_types.json lists for the machine's series."
  type        = string
  default     = null

  validation {
    condition     = contains(local.disk_types, coalesce(var.disk_type, local.disk_types[0]))
    error_message = "Compute Engine does not attach a disk of this type to ${var.machine_type}: give ${join(" or ", local.disk_types)}."
  }
}

variable "data_disk_snapshot" {
  description = "Name of a snapshot with which a new data disk begins; empty for an empty disk. With it Terraform makes the disk, also without create_vm. Leave it set afterwards: it changes no disk that exists."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([a-z]([a-z0-9-]{0,61}[a-z0-9])?)?$", var.data_disk_snapshot))
    error_message = "Give the snapshot's name, as `gcloud compute snapshots list` prints it."
  }
}

variable "snapshot_keep_days" {
  description = "Days for which Google keeps a daily snapshot of the data disk; 0 for no snapshots. With it Terraform makes the disk, also without create_vm."
  type        = number
  default     = 0

  validation {
    condition     = var.snapshot_keep_days >= 0 && var.snapshot_keep_days <= 365 && floor(var.snapshot_keep_days) == var.snapshot_keep_days
    error_message = "Give a whole number of days, up to 365."
  }
}

variable "rate" {
  description = "Events per second for which Druid is sized."
  type        = number
  default     = 1000

  validation {
    condition     = var.rate > 0
    error_message = "The rate must be above 0 events per second."
  }
}

variable "data_disk_gb" {
  description = "Size of the data disk in GB."
  type        = number
  default     = 100

  validation {
    condition     = var.data_disk_gb >= 10 && floor(var.data_disk_gb) == var.data_disk_gb
    error_message = "The data disk must have a whole number of GB, at least 10."
  }
}

variable "max_run_seconds" {
  description = "Seconds after each start at which Compute Engine stops the VM, in case nobody stopped it. It counts when the VM is created; docs/terraform.md says how to change it later."
  type        = number
  default     = 50400

  validation {
    condition     = var.max_run_seconds >= 3600 && var.max_run_seconds <= 10368000
    error_message = "Give a number from 3600 seconds to 120 days (10368000 seconds)."
  }
}

variable "subnetwork_range" {
  description = "Address range of the subnetwork."
  type        = string
  default     = "10.80.0.0/24"

  validation {
    condition     = can(cidrnetmask(var.subnetwork_range))
    error_message = "Give a range such as 10.80.0.0/24."
  }
}

variable "airflow_ranges" {
  description = "Private ranges from which Airflow reaches Druid's router directly, such as the range of Composer's network attachment; empty if Airflow uses IAP."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for range in var.airflow_ranges :
      can(cidrnetmask(range)) && can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.).*/(8|9|[12][0-9]|3[0-2])$", range))
    ])
    error_message = "Each range must be private (within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16), because Druid must never be open to the internet."
  }
}

variable "druid_address" {
  description = "Address of Druid's router in Airflow's connections, such as https://HOST:9088 for a TLS proxy before it; Airflow's firewall rule admits this port. If empty, it is http and port 8888 of the VM, or of the tunnel's end."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(https?://[^/:]+:[0-9]+)?$", var.druid_address))
    error_message = "Give protocol, host and port, such as https://HOST:9088."
  }
}

variable "tunnel_members" {
  description = "IAM principals that may open an IAP tunnel to Druid's router: user:…, group:…, serviceAccount:…. It needs create_vm, because the right is given on the VM."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.tunnel_members : can(regex("^(user|group|serviceAccount|principal|principalSet):[^:]", member))])
    error_message = "Each member must be one IAM principal such as user:ana@example.com; allUsers and allAuthenticatedUsers are refused."
  }

  validation {
    condition     = var.create_vm || length(var.tunnel_members) == 0
    error_message = "Set create_vm to true too: the right to open a tunnel is given on the VM, so the VM must exist."
  }
}

variable "airflow_vm" {
  description = "Create a VM for Airflow in the VPC, with the account ventas-airflow and without an external IP, and let it reach Druid's router."
  type        = bool
  default     = false
}

variable "airflow_machine_type" {
  description = "Machine type of Airflow's VM."
  type        = string
  default     = "n2-standard-4"

  validation {
    condition     = can(regex("^(e2|n2)-(standard|highmem)-[0-9]+$", var.airflow_machine_type))
    error_message = "Give an e2 or n2 machine type, such as n2-standard-4: the VM's disk is pd-balanced."
  }
}

variable "airflow_vm_members" {
  description = "IAM principals that may reach SSH (with sudo) and the web server of Airflow's VM, by IAP. It needs airflow_vm."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.airflow_vm_members : can(regex("^(user|group|serviceAccount|principal|principalSet):[^:]", member))])
    error_message = "Each member must be one IAM principal such as user:ana@example.com; allUsers and allAuthenticatedUsers are refused."
  }

  validation {
    condition     = var.airflow_vm || length(var.airflow_vm_members) == 0
    error_message = "Set airflow_vm to true too: the rights are given on the VM, so the VM must exist."
  }
}

variable "impersonators" {
  description = "IAM principals that may act as Airflow's service account without a key: an Airflow outside Google Cloud, Astro's workload identity, you."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.impersonators : can(regex("^(user|group|serviceAccount|principal|principalSet):[^:]", member))])
    error_message = "Each member must be one IAM principal such as user:ana@example.com; allUsers and allAuthenticatedUsers are refused."
  }
}

variable "bucket" {
  description = "Name of the bucket for Druid's segments and task logs; if empty, the name is PROJECT-ventas-druid."
  type        = string
  default     = ""
}

variable "druid_url" {
  description = "URL of Druid's archive, apache-druid-VERSION-bin.tar.gz."
  type        = string
  default     = "https://archive.apache.org/dist/druid/33.0.0/apache-druid-33.0.0-bin.tar.gz"

  validation {
    condition     = can(regex("^https://.*-bin\\.tar\\.gz$", var.druid_url))
    error_message = "Give an https URL that ends in -bin.tar.gz."
  }
}

variable "druid_checksum" {
  description = "SHA-256 or SHA-512 of the archive, in hexadecimal."
  type        = string
  default     = "5ee5ddbcc2273834af8a18dd173b2a04b9a911cb7ce516279db605788abd7d79"

  validation {
    condition     = can(regex("^([0-9a-f]{64}|[0-9a-f]{128})$", var.druid_checksum))
    error_message = "Give a SHA-256 or SHA-512: 64 or 128 lower-case hexadecimal digits."
  }
}

variable "druid_properties" {
  description = "Settings of Druid's processes that the VM applies last, each SERVICE/KEY=VALUE; SERVICE is coordinator, broker, historical, middleManager, router, or * for all of them."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for line in var.druid_properties : can(regex("^(\\*|coordinator|broker|historical|middleManager|router)/druid\\.[\\w.]+=[^\n]*$", line))])
    error_message = "Write each setting as SERVICE/KEY=VALUE, such as broker/druid.server.http.numThreads=60."
  }
}

variable "create_vm" {
  description = "Create the VM now. Otherwise the DAG creates the same VM when it is missing."
  type        = bool
  default     = false
}

variable "cloud_sql" {
  description = "Keep Druid's metadata in Cloud SQL instead of Derby on the data disk."
  type        = bool
  default     = false
}

variable "cloud_sql_tier" {
  description = "Machine type of Cloud SQL."
  type        = string
  default     = "db-custom-1-3840"
}

variable "confluent" {
  description = "Make the Kafka cluster, its accounts, ACLs and keys on Confluent Cloud too. Then Terraform's state contains the keys."
  type        = bool
  default     = false
}

variable "schema_registry" {
  description = "Give Airflow a key of Confluent's Schema Registry, with which it registers the JSON Schema of the sales. In Terraform it counts with confluent only."
  type        = bool
  default     = false
}

variable "billing_account" {
  description = "Id of the project's billing account, such as 012345-6789AB-CDEF01; only for the budget."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6})?$", var.billing_account))
    error_message = "Give the id as `gcloud billing accounts list` prints it."
  }
}

variable "budget" {
  description = "Monthly budget of the project in the billing account's currency; Google mails its administrators and users at 50, 90 and 100 % of it. 0 for no budget."
  type        = number
  default     = 0

  validation {
    condition     = var.budget >= 0 && floor(var.budget) == var.budget
    error_message = "Give a whole amount."
  }

  validation {
    condition     = var.budget == 0 || var.billing_account != ""
    error_message = "Set billing_account too: a budget belongs to a billing account."
  }
}
