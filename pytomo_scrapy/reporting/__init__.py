"""How figures are shown to a person, whatever the medium: terminal, PDF, picture, sentence."""
