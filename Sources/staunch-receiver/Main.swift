import Server
@main struct Main { static func main() {} }
