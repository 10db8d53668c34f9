"""Training vision-language and language models on built datasets with TRL; knows no particular task."""
