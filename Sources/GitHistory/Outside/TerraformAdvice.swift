/// How a value leaves Terraform's or OpenTofu's state.
///
/// "Sensitive" hides a value from the screen, not from the state. Only write-only arguments (Terraform and OpenTofu 1.11) and
/// ephemeral values keep it out. Source: developer.hashicorp.com/terraform/language/manage-sensitive-data/write-only, and each
/// provider's page of the resource.
enum TerraformAdvice {
  static func fix(_ place: TerraformPlace, in kind: TerraformDocument.Kind) -> String {
    let move = move(place)
    let after =
      kind == .state
      ? "; then terraform apply, and delete the state's old versions and *.backup: they keep the value"
      : "; and delete this plan"
    return move + after
  }

  private static func move(_ place: TerraformPlace) -> String {
    guard let type = place.type else {
      return place.address.contains("var.")
        ? "declare the variable with ephemeral = true and pass it only to write-only arguments"
        : "remove the output, or hand on a reference to where the value lies instead of the value"
    }
    let attribute = name(place.attribute)
    if let known = writeOnly[type], let pair = known[attribute] {
      return
        "in \(place.address): \(pair.argument) = an ephemeral value in place of \(attribute), and \(pair.version) = 1 "
        + "(one more for each new value)"
    }
    switch type {
    case "aws_iam_access_key":
      return
        "no argument keeps it out: make the key outside of Terraform, then terraform state rm '\(place.address)'"
    case "random_password", "random_bytes", "random_string", "tls_private_key":
      return "in place of the resource: ephemeral \"\(type)\", read by a write-only argument"
    default: break
    }
    if place.address.contains("data.\(type)") {
      return "in place of the data source: ephemeral \"\(type)\", where the provider has one"
    }
    return
      "see whether \(type) has a write-only argument for it (\(attribute)_wo, with \(attribute)_wo_version) on its provider's page; "
      + "otherwise set it outside of Terraform"
  }

  /// The argument: without sides of a change and places in lists.
  private static func name(_ attribute: String) -> String {
    let parts = attribute.split(whereSeparator: { $0 == "." || $0 == "[" }).map { String($0) }
    let inner = parts.drop { ["before", "after", "expressions"].contains($0) }
    return inner.first ?? attribute
  }

  private struct Pair {
    let argument: String
    let version: String

    init(_ argument: String, _ version: String? = nil) {
      self.argument = argument
      self.version = version ?? "\(argument)_version"
    }
  }

  private static let writeOnly: [String: [String: Pair]] = [
    "aws_secretsmanager_secret_version": ["secret_string": Pair("secret_string_wo")],
    "aws_ssm_parameter": ["value": Pair("value_wo")],
    "aws_db_instance": ["password": Pair("password_wo")],
    "aws_rds_cluster": ["master_password": Pair("master_password_wo")],
    "aws_docdb_cluster": ["master_password": Pair("master_password_wo")],
    "aws_redshift_cluster": ["master_password": Pair("master_password_wo")],
    "aws_redshiftserverless_namespace": ["admin_user_password": Pair("admin_user_password_wo")],
    "google_sql_user": ["password": Pair("password_wo")],
    "google_secret_manager_secret_version": ["secret_data": Pair("secret_data_wo")],
    "azurerm_key_vault_secret": ["value": Pair("value_wo")],
    "azurerm_mssql_server": ["administrator_login_password": Pair("administrator_login_password_wo")],
    "azurerm_mysql_flexible_server": ["administrator_password": Pair("administrator_password_wo")],
    "azurerm_postgresql_flexible_server": ["administrator_password": Pair("administrator_password_wo")],
    "kubernetes_secret_v1": ["data": Pair("data_wo", "data_wo_revision")],
    "vault_kv_secret_v2": ["data_json": Pair("data_json_wo")],
  ]

  /// Measured with Terraform 1.11.4 and the aws provider 5.100.0: an access key that was made Inactive by hand is planned as
  /// Inactive → Active.
  static func reactivation(of address: String) -> String {
    "the next terraform apply makes the access key of \(address) Active again, although it was disabled: before anybody applies, "
      + "set status = \"Inactive\" in it, or terraform state rm '\(address)' and take it out of the configuration"
  }
}
