import Cryptography
import Testing

@Suite struct LibcryptoTests {
  @Test func `this machine's libcrypto has what the room needs`() {
    #expect(Libcrypto.missing().isEmpty)
    #expect(Libcrypto.complaint() == nil)
  }
}
