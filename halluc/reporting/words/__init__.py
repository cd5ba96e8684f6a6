"""What figures say, in plain sentences and no more than their intervals support."""
