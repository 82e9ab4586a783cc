/// Values that look like secrets and were never issued by anyone.
///
/// They are put together here, because a literal one would be stopped by the push protection of whoever hosts the
/// project. The same name always gives the same value.
public struct FakeSecrets: Sendable {
  private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
  private static let upper = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
  private static let hex = Array("0123456789abcdef")
  private static let digits = Array("0123456789")

  /// A value of `kind`; `name` tells several of a kind apart.
  public static func value(_ kind: String, _ name: String = "1") -> String {
    var source = Source("\(kind)/\(name)")
    func text(_ alphabet: [Character], _ count: Int) -> String {
      String((0..<count).map { _ in alphabet[source.next(alphabet.count)] })
    }
    func word(_ count: Int) -> String { text(letters, count) }
    switch kind {
    case "openai_api_key": return "sk-" + "proj-" + word(74) + "T3Blbk" + "FJ" + word(74)
    case "anthropic_api_key": return "sk-" + "ant-api03-" + word(93) + "AA"
    case "huggingface_token": return "hf" + "_" + text(Array(letters.prefix(52)), 34)
    case "github_pat_classic": return checksummed("gh" + "p_", word(30))
    case "github_pat_fine_grained": return "github" + "_pat_" + word(22) + "_" + word(59)
    case "github_app_token": return checksummed("gh" + "s_", word(30))
    case "gitlab_pat": return "gl" + "pat-" + word(20)
    case "slack_token": return "xox" + "b-" + text(digits, 12) + "-" + text(digits, 13) + "-" + word(24)
    case "slack_webhook_url":
      return "https://hooks.slack" + ".com/services/T" + text(upper, 10) + "/B" + text(upper, 10) + "/"
        + word(24)
    case "stripe_secret_key": return "sk_" + "live_" + word(99)
    case "stripe_test_key": return "sk_" + "test_" + word(99)
    case "npm_token": return checksummed("npm" + "_", word(30))
    case "pypi_token": return "pypi-" + "AgEIcHlwaS5vcmc" + word(160)
    case "dockerhub_token": return "dckr" + "_pat_" + word(27)
    case "gcp_api_key": return "AI" + "za" + word(35)
    case "sendgrid_api_key": return "SG" + "." + word(22) + "." + word(43)
    case "twilio_api_key": return "SK" + text(hex, 32)
    case "vault_token": return "hv" + "s." + word(95)
    case "terraform_cloud_token": return word(14) + ".atlas" + "v1." + word(67)
    case "databricks_token": return "da" + "pi" + text(hex, 32)
    case "aws_access_key_id": return "AK" + "IA" + text(upper, 16)
    case "aws_secret": return word(40)
    case "azure_storage_key": return word(86) + "=="
    case "ssh_private_key": return pem("OPENSSH PRIVATE KEY", word(440))
    case "rsa_private_key": return pem("RSA PRIVATE KEY", word(1588))
    case "private_key": return pem("PRIVATE KEY", word(1588))
    default: return word(22)
    }
  }

  private static func pem(_ label: String, _ body: String) -> String {
    var lines = ["-----" + "BEGIN " + label + "-----"]
    var rest = Substring(body)
    while !rest.isEmpty {
      lines.append(String(rest.prefix(64)))
      rest = rest.dropFirst(64)
    }
    return (lines + ["-----" + "END " + label + "-----", ""]).joined(separator: "\n")
  }

  /// GitHub and npm end their tokens with the CRC-32 of the rest, six digits in base 62; scanners check it.
  private static func checksummed(_ prefix: String, _ body: String) -> String {
    let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    var value = crc32(Array(body.utf8))
    var text = ""
    for _ in 0..<6 {
      text = String(digits[Int(value % 62)]) + text
      value /= 62
    }
    return prefix + body + text
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }

  /// A small generator (SplitMix64): the same seed gives the same values on every machine.
  private struct Source {
    private var state: UInt64
    init(_ seed: String) {
      state = seed.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
    mutating func next(_ bound: Int) -> Int {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return Int((mixed ^ mixed >> 31) % UInt64(bound))
    }
  }
}
