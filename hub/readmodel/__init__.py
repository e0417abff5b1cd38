"""The read model: what stands on the topics as SQL, for operators. hub/recorder.py writes it; who may ask is the console's."""
