// BuiltinContent
