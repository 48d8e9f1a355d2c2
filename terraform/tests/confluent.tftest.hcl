mock_provider "google" {
  override_during = plan
}

mock_provider "confluent" {
  override_during = plan

  mock_resource "confluent_service_account" {
    defaults = { id = "sa-1", api_version = "iam/v2", kind = "ServiceAccount" }
  }

  mock_resource "confluent_api_key" {
    defaults = { id = "KEY", secret = "the-secret" }
  }

  mock_resource "confluent_kafka_cluster" {
    defaults = {
      id                 = "lkc-1"
      api_version        = "cmk/v2"
      kind               = "Cluster"
      rest_endpoint      = "https://pkc-1.southamerica-east1.gcp.confluent.cloud:443"
      rbac_crn           = "crn://confluent.cloud/organization=o/environment=e/cloud-cluster=c"
      bootstrap_endpoint = "SASL_SSL://pkc-1.southamerica-east1.gcp.confluent.cloud:9092"
    }
  }
}

variables {
  region          = "southamerica-east1"
  schema_registry = false
  airflow_secret  = "projects/my-project/secrets/airflow-connections-kafka_default"
  druid_secret    = "projects/my-project/secrets/ventas-kafka-jaas"
}

run "acls_and_secrets" {
  command = plan

  module {
    source = "./modules/confluent"
  }

  assert {
    condition = toset([
      for acl in values(confluent_kafka_acl.ventas) :
      "${acl.resource_type} ${acl.resource_name} ${acl.pattern_type} ${acl.operation}" if acl.resource_type != "TOPIC"
      ]) == toset([
      "GROUP druid-ventas LITERAL READ",
      "GROUP ventas.reader LITERAL READ",
      "TRANSACTIONAL_ID sales_backfill/ PREFIXED DESCRIBE",
      "TRANSACTIONAL_ID sales_backfill/ PREFIXED WRITE",
      "TRANSACTIONAL_ID sales_window/ PREFIXED DESCRIBE",
      "TRANSACTIONAL_ID sales_window/ PREFIXED WRITE",
    ])
    error_message = "Each row of include/stream/acls.csv becomes one ACL for each operation, with the project's names."
  }

  assert {
    condition     = length(confluent_kafka_acl.ventas) == sum([for row in csvdecode(file("../include/stream/acls.csv")) : length(split(" ", row.operations))])
    error_message = "No ACL of include/stream/acls.csv is lost."
  }

  assert {
    condition     = nonsensitive(google_secret_manager_secret_version.druid.secret_data) == "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"KEY\" password=\"the-secret\";"
    error_message = "Druid's secret is its login, as Kafka's clients read it."
  }

  assert {
    condition     = nonsensitive(jsondecode(google_secret_manager_secret_version.airflow.secret_data).extra)["bootstrap.servers"] == "pkc-1.southamerica-east1.gcp.confluent.cloud:9092"
    error_message = "Airflow's connection has the cluster's address."
  }

  assert {
    condition     = !contains(keys(nonsensitive(jsondecode(google_secret_manager_secret_version.airflow.secret_data).extra)), "schema.registry.url")
    error_message = "Without schema_registry, Airflow's connection names no registry."
  }
}

# The registry's id and address are known only once the cluster exists.
run "schema_registry" {
  command = plan

  module {
    source = "./modules/confluent"
  }

  variables {
    schema_registry = true
  }

  assert {
    condition     = [for subject, role in confluent_role_binding.subject : "${role.role_name} ${subject}"] == ["DeveloperWrite ventas-value"]
    error_message = "Airflow may write the subject of the topic's values, and nothing else."
  }

  assert {
    condition     = confluent_environment.ventas.stream_governance[0].package == "ESSENTIALS" && length(confluent_api_key.registry) == 1
    error_message = "The environment has a registry, and Airflow a key of it."
  }
}
