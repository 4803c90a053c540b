"""What phases hand over (published) and what a killed run resumes from."""
