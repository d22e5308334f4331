"""What customers see, and what they never see."""
