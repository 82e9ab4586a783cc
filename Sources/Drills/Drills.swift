// Drills
