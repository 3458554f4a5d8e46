"""One file a command: what it takes (`Options`), and what it does (`run`)."""
