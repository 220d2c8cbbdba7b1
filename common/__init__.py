"""What every process needs: settings, errors, masking, HTTP clients, logs. Imports nothing of ours."""
