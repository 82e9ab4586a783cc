extension Secret {
  /// Whether both hold the same bytes. The time depends on the lengths only.
  public func isSame(as other: Secret) -> Bool {
    unsafe withUnsafeBytes { own in
      unsafe other.withUnsafeBytes { theirs in
        guard own.count == theirs.count else { return false }
        var difference: UInt8 = 0
        for index in own.indices { difference |= unsafe own[index] ^ theirs[index] }
        return difference == 0
      }
    }
  }
}
