"""Jobs that make models: fine-tuning and export. The only room that loads torch, and only while a job runs."""
