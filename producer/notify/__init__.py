"""Who is told that a job has ended or will be late: commands and URLs of the user's."""
