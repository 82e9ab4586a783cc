// LocalSystem
