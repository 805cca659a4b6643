"""What people read: the table, the CSV file, a page for each learner, the report on the class."""
