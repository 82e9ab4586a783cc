// ScannerReports
