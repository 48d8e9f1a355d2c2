# The Kafka cluster and its accounts on Confluent Cloud. The DAG creates the topics.

terraform {
  required_providers {
    confluent = {
      source = "confluentinc/confluent"
    }
  }
}

resource "confluent_environment" "ventas" {
  display_name = "ventas"

  dynamic "stream_governance" {
    for_each = var.schema_registry ? ["ESSENTIALS"] : []

    content {
      package = stream_governance.value
    }
  }
}

resource "confluent_kafka_cluster" "ventas" {
  display_name = "ventas"
  availability = "SINGLE_ZONE"
  cloud        = "GCP"
  region       = var.region

  basic {}

  environment {
    id = confluent_environment.ventas.id
  }

  # The sales and their ledger are in it.
  lifecycle {
    prevent_destroy = true
  }
}

# -- Accounts and keys -----------------------------------------------------------------------------

locals {
  accounts = {
    airflow   = { name = "ventas-airflow", purpose = "Airflow of the sales lab: publishes and reads" }
    druid     = { name = "ventas-druid", purpose = "Druid of the sales lab: reads" }
    terraform = { name = "ventas-terraform", purpose = "Terraform: gives the other accounts their ACLs" }
  }
}

resource "confluent_service_account" "ventas" {
  for_each = local.accounts

  display_name = each.value.name
  description  = each.value.purpose
}

# ACLs are created through Kafka itself, with a key whose owner administers the cluster.
resource "confluent_role_binding" "terraform" {
  principal   = "User:${confluent_service_account.ventas["terraform"].id}"
  role_name   = "CloudClusterAdmin"
  crn_pattern = confluent_kafka_cluster.ventas.rbac_crn
}

resource "confluent_api_key" "ventas" {
  for_each = local.accounts

  display_name = each.value.name
  description  = each.value.purpose

  owner {
    id          = confluent_service_account.ventas[each.key].id
    api_version = confluent_service_account.ventas[each.key].api_version
    kind        = confluent_service_account.ventas[each.key].kind
  }

  managed_resource {
    id          = confluent_kafka_cluster.ventas.id
    api_version = confluent_kafka_cluster.ventas.api_version
    kind        = confluent_kafka_cluster.ventas.kind

    environment {
      id = confluent_environment.ventas.id
    }
  }

  # A key that is replaced works until the secrets have the new one.
  lifecycle {
    create_before_destroy = true
  }

  # A key of a new account works only once its role is in force.
  depends_on = [confluent_role_binding.terraform]
}

# -- ACLs ------------------------------------------------------------------------------------------

locals {
  # Names that stand in acls.csv between braces; they are those of include/names.py.
  names = {
    topic      = "ventas"
    ledger     = "ventas.ledger"
    window     = "sales_window"
    backfill   = "sales_backfill"
    reader     = "ventas.reader"
    datasource = "ventas"
  }

  acls = merge([
    for row in csvdecode(file("${path.module}/../../../include/stream/acls.csv")) : {
      for operation in split(" ", row.operations) :
      "${row.user} ${operation} ${row.resource} ${row.name}" => {
        user      = row.user
        resource  = upper(row.resource)
        pattern   = upper(row.pattern)
        operation = upper(operation)
        name      = join("", [for part in regexall("[^{}]+", row.name) : lookup(local.names, part, part)])
      }
    }
  ]...)
}

resource "confluent_kafka_acl" "ventas" {
  for_each = local.acls

  resource_type = each.value.resource
  resource_name = each.value.name
  pattern_type  = each.value.pattern
  principal     = "User:${confluent_service_account.ventas[each.value.user].id}"
  host          = "*"
  operation     = each.value.operation
  permission    = "ALLOW"
  rest_endpoint = confluent_kafka_cluster.ventas.rest_endpoint

  kafka_cluster {
    id = confluent_kafka_cluster.ventas.id
  }

  credentials {
    key    = confluent_api_key.ventas["terraform"].id
    secret = confluent_api_key.ventas["terraform"].secret
  }
}

# -- Schema Registry -------------------------------------------------------------------------------

# Confluent makes the registry of an environment in the region of its first cluster.
data "confluent_schema_registry_cluster" "ventas" {
  count = var.schema_registry ? 1 : 0

  # Through the cluster, so that the cluster exists before.
  environment {
    id = confluent_kafka_cluster.ventas.environment[0].id
  }
}

# Airflow may register the schema of the topic's values, and nothing else.
resource "confluent_role_binding" "subject" {
  for_each = toset(var.schema_registry ? ["ventas-value"] : [])

  principal   = "User:${confluent_service_account.ventas["airflow"].id}"
  role_name   = "DeveloperWrite"
  crn_pattern = "${data.confluent_schema_registry_cluster.ventas[0].resource_name}/subject=${each.key}"
}

resource "confluent_api_key" "registry" {
  count = var.schema_registry ? 1 : 0

  display_name = "ventas-airflow"
  description  = "Airflow of the sales lab: registers the schema of the sales"

  owner {
    id          = confluent_service_account.ventas["airflow"].id
    api_version = confluent_service_account.ventas["airflow"].api_version
    kind        = confluent_service_account.ventas["airflow"].kind
  }

  managed_resource {
    id          = data.confluent_schema_registry_cluster.ventas[0].id
    api_version = data.confluent_schema_registry_cluster.ventas[0].api_version
    kind        = data.confluent_schema_registry_cluster.ventas[0].kind

    environment {
      id = confluent_environment.ventas.id
    }
  }

  lifecycle {
    create_before_destroy = true
  }

  # A key of a new account works only once its role is in force.
  depends_on = [confluent_role_binding.subject]
}

# -- What Airflow and Druid need -------------------------------------------------------------------

# Terraform's state contains the keys, and so these values too: docs/terraform.md says where to keep
# the state.

locals {
  bootstrap = trimprefix(confluent_kafka_cluster.ventas.bootstrap_endpoint, "SASL_SSL://")
}

resource "google_secret_manager_secret_version" "airflow" {
  secret = var.airflow_secret
  secret_data = jsonencode({
    conn_type = "kafka"
    extra = merge(
      {
        "bootstrap.servers" = local.bootstrap
        "security.protocol" = "SASL_SSL"
        "sasl.mechanism"    = "PLAIN"
        "sasl.username"     = confluent_api_key.ventas["airflow"].id
        "sasl.password"     = confluent_api_key.ventas["airflow"].secret
      },
      [
        for key in confluent_api_key.registry : {
          "schema.registry.url"                  = data.confluent_schema_registry_cluster.ventas[0].rest_endpoint
          "schema.registry.basic.auth.user.info" = "${key.id}:${key.secret}"
        }
      ]...
    )
  })

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_version" "druid" {
  secret      = var.druid_secret
  secret_data = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"${confluent_api_key.ventas["druid"].id}\" password=\"${confluent_api_key.ventas["druid"].secret}\";"

  lifecycle {
    create_before_destroy = true
  }
}
