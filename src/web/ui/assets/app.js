// The pages work without this; it only saves reloading.
